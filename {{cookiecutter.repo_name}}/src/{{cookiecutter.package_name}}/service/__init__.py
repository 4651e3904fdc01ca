"""The service: answers over HTTP with a log that loses nothing.

Each module imports only from those before it: settings, trees, steps, features, drawn, compiled, schema, database, log,
reference, versions, counts, replay, forget, feedback, pages, guard, app, serve, verbs.
"""
