"""The search in pages of two languages: words of English by their stems, Chinese by pairs of characters.

Sphinx's own search of Chinese needs a package that cuts words; pairs need none, and find a word wherever it stands.
"""

import re

from sphinx.search.en import SearchEnglish

_RUNS = re.compile(r"[\u4e00-\u9fff]+|(?:(?![\u4e00-\u9fff])\w)+")


class SearchBoth(SearchEnglish):
    """English, and Chinese by pairs; `js_splitter_code` is `split` for what a reader types."""

    lang = "en-zh"
    js_splitter_code = r"""
var splitQuery = function (query) {
  const runs = query.match(/[\u4e00-\u9fff]+|(?:(?![\u4e00-\u9fff])[\p{Letter}\p{Number}_])+/gu) || [];
  return runs.flatMap(function (run) {
    if (!/^[\u4e00-\u9fff]{2}/.test(run)) return [run];
    return Array.from(run).slice(1).map(function (character, i) { return run.charAt(i).concat(character); });
  });
};
"""

    def split(self, input: str) -> list[str]:  # noqa: A002 - Sphinx calls it so
        """Words of a text.

        >>> SearchBoth({}).split("loss 梯度下降 x2")
        ['loss', '梯度', '度下', '下降', 'x2']
        """
        return [word for run in _RUNS.findall(input) for word in _pairs(run)]


def _pairs(run: str) -> list[str]:
    if len(run) == 1 or not "\u4e00" <= run[0] <= "\u9fff":
        return [run]
    return [run[i : i + 2] for i in range(len(run) - 1)]
