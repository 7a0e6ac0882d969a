"""A provider and an agent that are none: for the demo, the tests and the benchmarks."""
