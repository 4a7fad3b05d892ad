"""The one port: who may come in, which routes are open, and the web app."""
