"""A question with its candidates, put to a person on a terminal."""

from collections.abc import Callable, Sequence

from aicomp.cli.output import Output


def asker(out: Output) -> Callable[[str, Sequence[str]], str]:
    """What puts a question and returns the answer; only where `out.can_ask`."""

    def ask(question: str, candidates: Sequence[str]) -> str:
        out.say(question, *(f"  {i:>2}  {name}" for i, name in enumerate(candidates, start=1)))
        answer = out.ask("number or name:")
        # A column may be named by a number: a name wins.
        is_number = answer not in candidates and answer.isdecimal() and 1 <= int(answer) <= len(candidates)
        return candidates[int(answer) - 1] if is_number else answer

    return ask
