"""The engine: knows machines, time, Ray, records and reports; knows nothing of MNIST."""

__version__ = "0.1.0"
