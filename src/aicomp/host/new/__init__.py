"""A competition of one's own: from one labelled table to a folder that `aicomp host` serves."""

from aicomp.host.new.make import Made, make_competition
from aicomp.host.new.wishes import Wishes

__all__ = ["Made", "Wishes", "make_competition"]
