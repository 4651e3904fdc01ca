"""The service: answers over HTTP, and a log that loses nothing.

Each module imports only from those before it in this list, from the engine, and nothing from the front:

settings, trees, features, steps, drawn, compiled, schema, postgres, database, log, reference, drift, profile,
versions, counts, replay, forget, feedback, guard, example, openapi, routes, app, words, monitor, pages, traces,
serve, verbs
"""
