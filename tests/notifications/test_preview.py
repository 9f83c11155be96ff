import email
from email import policy
from pathlib import Path

from notifications.kinds import KINDS
from notifications.preview import write_previews
from notifications.samples import every_sample
from rules.terms import Locale


def test_every_kind_can_be_opened_in_each_language_and_form(tmp_path: Path) -> None:
    files = write_previews(tmp_path / "out")
    assert len(files) == len(set(files)) == 1 + 3 * len(list(every_sample()))
    index = files[0].read_text()
    for kind in KINDS:
        for locale in Locale:
            for suffix in ("html", "txt", "eml"):
                name = f"{kind}.{locale.value}.{suffix}"
                assert (tmp_path / "out" / name).stat().st_size > 100
                assert f'href="{name}"' in index
            message = email.message_from_bytes(
                (tmp_path / "out" / f"{kind}.{locale.value}.eml").read_bytes(), policy=policy.default
            )
            assert not message.defects
            assert message["Content-Language"] == locale.value


def test_one_of_each_is_enough_on_request(tmp_path: Path) -> None:
    assert len(write_previews(tmp_path, all_variants=False)) == 1 + 3 * len(KINDS) * len(Locale)
