"""Vedette: open microservices for vision AI at the edge."""

__version__ = "0.1.0"
