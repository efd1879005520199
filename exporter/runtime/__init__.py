"""When it happens: polling, health, state, web."""
