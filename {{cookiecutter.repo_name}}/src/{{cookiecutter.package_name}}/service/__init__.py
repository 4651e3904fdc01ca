"""The service: answers over HTTP with a log that loses nothing.

Each module imports only from those above it: settings, trees, features, steps, drawn, compiled, schema, log, versions,
counts, replay, forget, feedback, pages, app, serve, verbs.
"""
