"""The ports of this machine: disk, processes, clock, keys, and the model that runs here. Shared by all hosts."""
