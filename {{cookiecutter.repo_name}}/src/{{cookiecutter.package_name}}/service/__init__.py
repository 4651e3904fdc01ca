"""The service: answers over HTTP, and a log that loses nothing.

Each module imports only from those before it in this list, from the engine, and nothing from the front:

settings, guard, trees, features, steps, drawn, compiled, schema, postgres, tables, database, log, unusual, drift,
score, profile, reference, versions, replay, feedback, newest, label, forget, retrain, alarms, health, counts, example,
openapi, routes, app, words, monitor, pages, labelling, traces, serve, verbs
"""
