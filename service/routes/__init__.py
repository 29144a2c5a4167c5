"""One file a resource; a route parses, calls one function, renders."""
