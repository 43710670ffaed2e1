"""What the Trainer needs of the machine: devices, strategies, precision, the size of a step."""
