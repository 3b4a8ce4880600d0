"""The live page: who looks at a run while it goes on, on loopback only."""
