"""Saddlepoint: what the service, the worker, the trainer and the clients share."""

__version__ = "0.1.0"
