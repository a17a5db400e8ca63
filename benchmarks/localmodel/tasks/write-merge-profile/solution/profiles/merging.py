"""Combine a profile with changes."""


def merge(profile, changes):
    """Return a new dictionary: the profile with the changes applied.

    For every key of `changes`:
    - the value None removes the key (it is fine if the profile lacks it);
    - if both values are dictionaries they are merged by the same rules;
    - if both values are lists, the new items are added at the end, except
      those that are in the list already;
    - otherwise the value of `changes` replaces the old value.
    Neither `profile` nor `changes` is changed.
    """
    result = dict(profile)
    for key, new in changes.items():
        old = result.get(key)
        if new is None:
            result.pop(key, None)
        elif isinstance(old, dict) and isinstance(new, dict):
            result[key] = merge(old, new)
        elif isinstance(old, list) and isinstance(new, list):
            result[key] = old + [item for item in new if item not in old]
        else:
            result[key] = new
    return result
