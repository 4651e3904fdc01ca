"""The service: answers over HTTP, and a log that loses nothing.

Each module imports only from those before it in this list, from the engine, and nothing from the front:

settings, trees, features, steps, drawn, compiled, schema, database, log, reference, versions, counts, replay, forget,
retrain, feedback, guard, openapi, routes, app, words, monitor, pages, traces, serve, verbs
"""
