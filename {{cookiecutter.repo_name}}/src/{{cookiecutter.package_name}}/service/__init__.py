"""The service: answers over HTTP, and a log that loses nothing.

Each module imports only from those before it in this list, from the engine, and nothing from the front:

settings, trees, features, steps, drawn, compiled, schema, database, log, reference, drift, score, profile, versions,
counts, replay, forget, feedback, health, guard, openapi, routes, app, words, monitor, pages, traces, serve, verbs
"""
