"""Hide codes before they are shown on screen."""


def mask(code, visible=4):
    """Return the code with its letters and digits replaced by "*".

    The last `visible` letters and digits are kept. All other characters,
    such as spaces and dashes, are always kept and are not counted.

    mask("AB12-CD34-5678") returns "****-****-5678".
    """
    hidden = sum(char.isalnum() for char in code) - visible
    result = ""
    for char in code:
        if char.isalnum():
            result += "*" if hidden > 0 else char
            hidden -= 1
        else:
            result += char
    return result
