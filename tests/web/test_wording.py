"""Are texts the same, whether they are translated when a template is compiled or when it is drawn?"""

import pytest

from service.kit.languages import LANGUAGES, translations
from service.web.rendering import environment

NAME = '<b>"late"\u202e</b>'


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_constant_text_is_that_of_the_catalogue(language: str):
    drawn = environment(language).from_string("{{ _('Board') }}|{{ gettext('Board') }}|{{ _(text) }}")
    wanted = translations(language).gettext("Board")
    assert drawn.render(text="Board") == f"{wanted}|{wanted}|{wanted}"


def test_a_constant_text_is_markup_and_a_percent_sign_is_doubled():
    drawn = environment("en").from_string("{{ _('<b>5 %%</b>') }}{{ {'a': _('50 %%')}[key] }}")
    assert drawn.render(key="a") == "<b>5 %</b>50 %"


def test_values_in_texts_are_escaped_and_turn_nothing_around_them():
    drawn = environment("en").from_string(
        "{{ _('each %(step)s:', step=name) }}{{ ngettext('%(num)s of %(name)s', '%(num)s x', 1, name=name) }}"
    )
    inert = "\u2068&lt;b&gt;&#34;late&#34;\u202e&lt;/b&gt;\u202c\u2069"
    assert drawn.render(name=NAME) == f"each {inert}:1 of {inert}"


def test_a_value_that_nobody_gave_is_an_error():
    drawn = environment("en").from_string("{{ _('each %(step)s:', other=1) }}")
    with pytest.raises(KeyError):
        drawn.render()


@pytest.mark.parametrize(
    ("language", "told"), [("en", "97.5 %|99.2 %|&gt; 99.9 %"), ("sv", "97,5 %|99,2 %|&gt; 99,9 %")]
)
def test_what_an_interval_covers_is_written_as_the_language_writes_numbers(language: str, told: str):
    drawn = environment(language).from_string(
        "{% from 'words.html' import coverage %}{% for one in shares %}{{ coverage(one) }}|{% endfor %}"
    )
    assert drawn.render(shares=[0.975, 1 - 0.05 / 6, 1 - 0.05 / 110]) == f"{told}|"
