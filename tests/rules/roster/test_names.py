import pytest

from rules.roster.names import short_name


@pytest.mark.parametrize(
    ("name", "greeted"),
    [
        ("Drs Baharuddin Lopa", "Baharuddin L."),
        ("Drs. Baharuddin Lopa, M.Si.", "Baharuddin L."),
        ("Dr. H. Siti Rahmawati, S.E., M.M.", "Siti R."),
        ("Prof Dr Sitti Aminah MPd", "Sitti A."),
        ("Hj Nurhayati", "Nurhayati"),
        ("H. M. Nur", "Nur"),
        ("R.A. Kartini, S.Pd.", "Kartini"),
        ("Suharto", "Suharto"),
        ("Ir. Joko", "Joko"),
        ("Ir.", "Ir."),
        ("H.", "H."),
        ("I Gusti Ngurah Agung Rai, S.E.", "I Gusti N."),
        ("Ni Luh Putu Ayu", "Ni Luh P."),
        ("'Aisyah binti Jum'at", "'Aisyah J."),
        ("李明 Liem Swie King", "李明 L."),
        ("ꦱꦸꦏ꧂ (Sukar)", "ꦱꦸꦏ꧂ S."),
        ("عائشة Aisyah", "عائشة A."),
        ("Bambang 😀 Susilo", "Bambang S."),
        ("A" * 300, "A" * 23 + "…"),
        ("Dra Made SE", "Made"),
        ("Andi Sari", "Andi S."),
    ],
)
def test_people_are_greeted_by_their_name_and_not_by_a_title(name: str, greeted: str) -> None:
    assert short_name(name) == greeted
