"""The leaf that every other package may import: values, operations, events, errors and their JSON form."""
