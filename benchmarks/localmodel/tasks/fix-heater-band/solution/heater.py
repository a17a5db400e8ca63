"""A heater controller that does not switch too often."""


class Heater:
    """Switches on at target - band and off at target + band.

    Between these two limits the heater keeps doing what it did before.
    """

    def __init__(self, target, band=1.0):
        if band <= 0:
            raise ValueError("the band must be larger than zero")
        self.target = target
        self.band = band
        self.on = False
        self.switches = 0

    def update(self, reading):
        """Take a temperature reading and return whether the heater is on."""
        if reading <= self.target - self.band:
            self._switch(True)
        elif reading >= self.target + self.band:
            self._switch(False)
        return self.on

    def _switch(self, on):
        if on != self.on:
            self.switches += 1
        self.on = on


def run(heater, readings):
    """Feed all readings to the heater and return the list of its states."""
    return [heater.update(reading) for reading in readings]
