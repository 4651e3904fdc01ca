"""The service: answers over HTTP with a log that loses nothing.

Each module imports only from those before it: settings, trees, compiled, schema, database, log, versions, counts,
replay, forget, feedback, pages, app, serve, verbs
"""
