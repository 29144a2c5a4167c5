"""The HTTP edge: routes, problem+json, API keys, streaming uploads, server-sent events. It never opens a policy."""
