"""Write letters from a template."""

import re

from mailer.fields import lookup

FIELD = re.compile(r"\{([a-z_.]+)\}")


def field_names(template):
    """Return the names of all fields, in the order of the template."""
    return FIELD.findall(template)


def fill(template, data):
    """Return the template with every {field} replaced by its value."""

    def value(match):
        return str(lookup(data, match.group(1)))

    return FIELD.sub(value, template)
