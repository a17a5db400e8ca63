"""Other people's programs at our gateway: how each is set up, given a small task, and judged. The programs are installed by
`scripts/foreign`; none of their code is here.
"""
