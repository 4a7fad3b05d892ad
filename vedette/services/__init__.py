"""The microservices; strangers to one another."""
