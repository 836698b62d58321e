# The simulated fleet.
