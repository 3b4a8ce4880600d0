"""The engine: knows machines, time, Ray, records and reports; measures any workload."""

__version__ = "0.1.0"
