"""The error that people see."""


class UserError(Exception):
    """Something that the user can mend.

    The message is one sentence: what is wrong with which file or value, and what to do.
    The command line prints it without a traceback; anything else that is raised is a bug.
    """
