"""The Trainer and the machine: devices, strategies, precision, the size of a step."""
