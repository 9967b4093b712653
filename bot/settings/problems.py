"""What is wrong with the environment, for whoever set it."""

from __future__ import annotations

from bot.settings.variables import VARIABLES


class SettingsError(Exception):
    """Something in the environment is missing or wrong; one line each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def not_the_example(name: str, secrets: tuple[str, ...], problems: list[str]) -> None:
    """Everybody knows the example: what it signs, anybody could have signed."""
    example = next(variable.example for variable in VARIABLES if variable.name == name)
    if example in secrets:
        problems.append(f"{name}: this is the example of .env.example, which everybody knows; make one of your own.")
