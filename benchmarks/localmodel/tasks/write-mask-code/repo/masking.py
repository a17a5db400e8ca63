"""Hide codes before they are shown on screen."""


def mask(code, visible=4):
    """Return the code with its letters and digits replaced by "*".

    The last `visible` letters and digits are kept. All other characters,
    such as spaces and dashes, are always kept and are not counted.

    mask("AB12-CD34-5678") returns "****-****-5678".
    """
    raise NotImplementedError
