"""Write the rosters of the five example agencies: invented people, the same in every run.

    python -m examples.make_rosters

Everybody is rated by the head of their unit, and each head by the head of the unit above. The top (an elected head of
region, who in life has no NIP; the one here is invented as a key) and the auditors, who belong to nobody's line, have
no superior and are not appraised.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random

from rules.roster.columns import COLUMNS

Staff = tuple[str, str, str, int]
"""Post, post group, job family, how many."""


@dataclass(frozen=True)
class Unit:
    code: str
    name: str
    parent: str
    head: str
    group: str = "ja"
    family: str = "pimpinan"
    staff: tuple[Staff, ...] = ()
    roles: str = ""
    """Of the head."""
    staff_roles: str = ""


@dataclass(frozen=True)
class Agency:
    code: str
    seed: int
    men: str
    women: str
    families: str
    units: tuple[Unit, ...]
    twists: dict[str, dict[str, str]] = field(default_factory=dict)
    """Special cases by `<unit>/<number>`, 0 being the head; `acting_for` names a colleague the same way."""


def top(region: str, head: str, code: str = "PIM") -> tuple[Unit, ...]:
    return (
        Unit(code, f"Pimpinan {region}", "", head, "jpt", roles="appointing_authority"),
        Unit("SETDA", f"Sekretariat Daerah {region}", code, "Sekretaris Daerah", "jpt"),
    )


def personnel(name: str) -> Unit:
    analysts = (("Analis SDM Aparatur", "jf", "kepegawaian", 2),)
    return Unit("BKPSDM", name, "SETDA", "Kepala Badan", "jpt", staff=analysts, staff_roles="performance_admin")


def auditors(count: int) -> Unit:
    staff = (("Auditor", "jf", "", count - 1),)
    name, head = "Tim Auditor Pihak Ketiga", "Ketua Tim Auditor"
    return Unit("AUD", name, "", head, "jf", "", staff, roles="auditor", staff_roles="auditor")


def school(code: str, name: str, teachers: int, parent: str = "DISDIK") -> Unit:
    return Unit(code, name, parent, "Kepala Sekolah", "jf", "kepala-sekolah", (("Guru", "jf", "guru", teachers),))


def clinic(code: str, name: str, nurses: int, midwives: int = 0) -> Unit:
    staff = [("Perawat", "jf", "kesehatan", nurses)]
    if midwives:
        staff.append(("Bidan", "jf", "kesehatan", midwives))
    return Unit(code, name, "DINKES", "Kepala Puskesmas", "jf", "kepala-puskesmas", tuple(staff))


def office(code: str, name: str, *, parent: str = "SETDA") -> Unit:
    return Unit(code, name, parent, "Kepala Dinas", "jpt")


def section(code: str, name: str, parent: str, staff: Staff, head: str = "Kepala Bidang") -> Unit:
    return Unit(code, name, parent, head, staff=(staff,))


AGENCIES = (
    Agency(
        "mamuju",
        1540,
        "Abdul Andi Arifin Baharuddin Firman Hamzah Ilham Jufri Kamaruddin Muhlis Nurdin Rusdi Syamsul Usman Yusran",
        "Asriani Darmawati Fitriani Hasnawati Hijrah Irmayanti Kasmawati Marlina Nuraeni Rahmawati Sitti Wahida",
        "Mandra Lopa Pattana Tandi Daeng Kalumpang Botteng Tapalang Simboro Manakarra Rangas Padang Malunda Kondo",
        (
            *top("Kabupaten Mamuju", "Bupati"),
            personnel("Badan Kepegawaian dan Pengembangan SDM"),
            section("UMUM", "Bagian Umum", "SETDA", ("Pengadministrasi Perkantoran", "ja", "administrasi", 5),
                    "Kepala Bagian"),
            office("DISDIK", "Dinas Pendidikan"),
            school("SDN-RIMUKU", "SD Negeri Rimuku", 6),
            school("SMPN-SIMBORO", "SMP Negeri Simboro", 6),
            office("DINKES", "Dinas Kesehatan"),
            clinic("PKM-BINANGA", "Puskesmas Binanga", 4, 2),
            clinic("PKM-BAMBU", "Puskesmas Bambu", 3, 1),
            office("DISHUB", "Dinas Perhubungan"),
            section("ANGKUTAN", "Bidang Angkutan", "DISHUB", ("Pengelola Angkutan Umum", "ja", "perhubungan", 5)),
            auditors(4),
        ),
        {
            "PKM-BINANGA/0": {"absence_kind": "maternity", "absence_from": "2026-12-01", "absence_to": "2027-02-28"},
            "PKM-BAMBU/0": {"acting_for": "PKM-BINANGA/0", "acting_kind": "plh",
                            "acting_decree": "800.1.11.1/127/BKPSDM/2026",
                            "acting_from": "2026-12-01", "acting_to": "2027-02-28"},
            "SDN-RIMUKU/6": {"employment": "cpns", "active_from": "2026-11-15"},
            "PKM-BINANGA/4": {"employment": "pppk"},
        },
    ),
    Agency(
        "palu",
        1978,
        "Abdullah Arham Aswin Faisal Hidayat Iksan Moh Nasir Rizal Rusli Sahrul Taufik Umar Yamin Zulkifli",
        "Arniati Dewi Fadlun Hadija Ismawati Lestari Masita Nurhayati Ratna Rosmini Salma Sri Ulfa Widya",
        "Lamarauna Lasimpo Palontje Tombolotutu Yotolembah Borahima Djanggola Lamadjido Pettalolo Toana Rampalodji",
        (
            *top("Kota Palu", "Wali Kota"),
            personnel("Badan Kepegawaian dan Pengembangan SDM Daerah"),
            office("DISDIK", "Dinas Pendidikan Kota Palu"),
            section("PSD", "Bidang Pembinaan SD", "DISDIK", ("Analis Pendidikan", "ja", "administrasi", 3)),
            school("SDN-TALISE", "SD Negeri Talise", 7),
            school("SDN-BESUSU", "SD Negeri Besusu", 6),
            school("SMPN-TATURA", "SMP Negeri Tatura", 8),
            auditors(3),
        ),
        {
            "SMPN-TATURA/3": {"absence_kind": "study", "absence_from": "2027-05-01", "absence_to": "2028-04-30"},
            "PIM/0": {"employment": "state_official", "nip": ""},  # elected: rates, and is not rated
            "SDN-TALISE/5": {"employment": "pppk", "active_to": "2027-06-30"},
            "SDN-TALISE/6": {"employment": "pppk"},
            "SDN-BESUSU/2": {"absence_kind": "sick", "absence_from": "2027-02-01", "absence_to": "2027-04-30"},
        },
    ),
    Agency(
        "samarinda",
        1668,
        "Achmad Aji Bambang Budi Dedi Eko Fahri Gunawan Hairil Iwan Joko Khairul Rahmad Rudi Slamet Syahrani Yudi",
        "Aisyah Diah Endang Fatmawati Hasanah Herlina Indah Jumiati Kartini Mariana Norhayati Puji Rina Siti Yuliana",
        "Alimuddin Basri Effendi Fadillah Gani Hartono Iskandar Kusuma Mulyadi Noor Prasetyo Ramadhan Saputra Utomo",
        (
            *top("Kota Samarinda", "Wali Kota"),
            personnel("Badan Kepegawaian dan Pengembangan SDM"),
            office("DISDIK", "Dinas Pendidikan Kota Samarinda"),
            section("PTK", "Bidang Ketenagaan", "DISDIK", ("Analis Tenaga Pendidik", "ja", "administrasi", 5)),
            *(
                school(f"SDN-{place.upper()}", f"SD Negeri {place}", 11)
                for place in ("Sungaipinang", "Loabakung", "Sempaja", "Palaran")
            ),
            *(school(f"SMPN-{place.upper()}", f"SMP Negeri {place}", 13) for place in ("Sambutan", "Karangasam")),
            office("DUKCAPIL", "Dinas Kependudukan dan Pencatatan Sipil"),
            section("LDOK", "Bidang Pelayanan Dokumen", "DUKCAPIL", ("Operator Dokumen", "ja", "dokumen", 12)),
            section("CAPIL", "Bidang Pencatatan Sipil", "DUKCAPIL", ("Pengelola Akta", "ja", "dokumen", 10)),
            auditors(5),
        ),
        {
            "LDOK/0": {"absence_kind": "leave", "absence_from": "2026-12-14", "absence_to": "2027-01-31"},
            "CAPIL/0": {"acting_for": "LDOK/0", "acting_kind": "plh", "acting_decree": "821/2104/BKPSDM/2026",
                        "acting_from": "2026-12-14", "acting_to": "2027-01-31"},
            "SDN-SEMPAJA/9": {"employment": "cpns", "active_from": "2026-11-15"},
            "SMPN-SAMBUTAN/4": {"employment": "pppk"},
            "SMPN-SAMBUTAN/5": {"employment": "pppk"},
            "LDOK/7": {"employment": "pppk", "active_to": "2027-06-30"},
        },
    ),
    Agency(
        "bukittinggi",
        1784,
        "Afrizal Al Dedi Erizal Fauzan Hendri Irwan Jasman Mulyadi Nofrizal Rafki Syafri Yandri Zulfahmi",
        "Desmawati Elvira Fitri Gusneti Yulia Lusi Mega Nelfia Rahmi Resti Silvia Upik Wirda Yeni",
        "Caniago Piliang Koto Sikumbang Tanjung Jambak Guci Malin Pili Simabur Sutan Batuah Bandaro",
        (
            *top("Kota Bukittinggi", "Wali Kota"),
            personnel("Badan Kepegawaian dan Pengembangan SDM"),
            section("ORG", "Bagian Organisasi", "SETDA", ("Analis Kebijakan", "ja", "sekretariat", 4), "Kepala Bagian"),
            section("UMUM", "Bagian Umum", "SETDA", ("Pengadministrasi Umum", "ja", "sekretariat", 6), "Kepala Bagian"),
            office("DPMPTSP", "Dinas Penanaman Modal dan Pelayanan Terpadu Satu Pintu"),
            section("LOKET", "Bidang Pelayanan Loket", "DPMPTSP", ("Petugas Loket", "ja", "loket", 9)),
            section("ADUAN", "Bidang Pengaduan", "DPMPTSP", ("Pengelola Pengaduan", "ja", "loket", 4)),
            auditors(3),
        ),
        {
            "LOKET/9": {"absence_kind": "pre_retirement", "absence_from": "2027-03-01", "absence_to": "2028-02-29"},
            "LOKET/3": {"absence_kind": "sick", "absence_from": "2027-01-11", "absence_to": "2027-01-15"},
            "UMUM/4": {"employment": "pppk"},
        },
    ),
    Agency(
        "sabangau",
        1957,
        "Agau Bajik Dandan Erwin Gerson Hermanto Ison Jambi Kristian Lamiang Rano Sius Tingang Untung Yansen",
        "Bawi Dina Eltina Herlina Ineke Kameloh Lida Megawati Nyai Rusmiati Selvi Tiara Vina Yuliani",
        "Asang Bahat Djimat Garang Kaharap Lambung Mihing Nahan Rangkai Sawung Tahan Umbing Usop Binti",
        (
            *top("Kota Sabangau (ilustrasi)", "Wali Kota"),
            personnel("Badan Kepegawaian dan Pengembangan SDM"),
            office("DISDIK", "Dinas Pendidikan"),
            school("SDN-KERENG", "SD Negeri Kereng", 6),
            school("SMPN-KALAMPANGAN", "SMP Negeri Kalampangan", 7),
            office("DINKES", "Dinas Kesehatan"),
            clinic("PKM-KERENG", "Puskesmas Kereng", 4, 3),
            clinic("PKM-BERENG", "Puskesmas Bereng", 3, 2),
            auditors(3),
        ),
        {
            "PKM-KERENG/7": {"employment": "cpns", "active_from": "2026-11-15"},
            "SMPN-KALAMPANGAN/2": {"absence_kind": "maternity", "absence_from": "2027-03-01",
                                   "absence_to": "2027-05-31"},
            "PKM-BERENG/5": {"employment": "pppk"},
        },
    ),
)  # fmt: skip


def roster_csv(code: str) -> str:
    """The roster of one example agency, as its file stands in the repository."""
    agency = next(each for each in AGENCIES if each.code == code)
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(_people(agency))
    return out.getvalue()


def _people(agency: Agency) -> list[dict[str, str]]:
    rng = Random(agency.seed)  # noqa: S311  a repeatable generator is wanted
    people: dict[str, dict[str, str]] = {}
    names = _names(agency, rng)
    for unit in agency.units:
        for number, (post, group, family, roles) in enumerate(_posts(unit)):
            twist = agency.twists.get(f"{unit.code}/{number}", {})
            person = _person(agency, rng, next(names), number == 0, twist)
            person |= {"unit_code": unit.code, "unit_name": unit.name, "parent_unit_code": unit.parent}
            person |= {"post": post, "post_group": group, "job_family": family, "roles": roles}
            person["is_unit_head"] = "tidak" if number else "ya"
            people[f"{unit.code}/{number}"] = person | {k: v for k, v in twist.items() if k != "acting_for"}
    heads = {unit.code: _called(people[f"{unit.code}/0"]) for unit in agency.units}
    for unit in agency.units:
        for number, _ in enumerate(_posts(unit)):
            person = people[f"{unit.code}/{number}"]
            above = unit.code if number else unit.parent
            person["superior_nip"] = "" if unit.code == "AUD" else heads.get(above, "")
    for key, twist in agency.twists.items():
        if "acting_for" in twist:
            people[key]["acting_for_nip"] = people[twist["acting_for"]]["nip"]
    return list(people.values())


def _called(person: dict[str, str]) -> str:
    """The NIP; a state official has none and is named."""
    return person["nip"] or person["name"]


def _posts(unit: Unit) -> Iterator[tuple[str, str, str, str]]:
    yield unit.head, unit.group, unit.family, unit.roles
    for post, group, family, count in unit.staff:
        for _ in range(count):
            yield post, group, family, unit.staff_roles


def _names(agency: Agency, rng: Random) -> Iterator[tuple[str, bool]]:
    """Given and family names, each pair once, with whether it is a woman's."""
    pairs = [(given, False) for given in agency.men.split()] + [(given, True) for given in agency.women.split()]
    mixed = [(f"{given} {family}", woman) for given, woman in pairs for family in agency.families.split()]
    rng.shuffle(mixed)
    yield from mixed


def _person(
    agency: Agency, rng: Random, name: tuple[str, bool], is_head: bool, twist: dict[str, str]
) -> dict[str, str]:
    full, woman = name
    hired = date.fromisoformat(twist["active_from"]) if "active_from" in twist else None
    hired = hired or date(rng.randint(1998, 2008) if is_head else rng.randint(2005, 2022), rng.choice((1, 3, 4, 12)), 1)
    employment = twist.get("employment", "pns")
    born = date(hired.year - rng.randint(23, 32), rng.randint(1, 12), rng.randint(1, 28))
    return {
        "nip": nip(born, hired, woman, contract=employment == "pppk"),
        "name": full + rng.choice(("", "", ", S.Pd.", ", S.Sos.", ", S.E.", ", M.M.")),
        "email": f"{full.lower().replace(' ', '.')}@{agency.code}.example",
        "employment": employment,
        "active_from": hired.isoformat(),
    }


def nip(born: date, hired: date, woman: bool, *, contract: bool = False) -> str:
    """Birth date, month of appointment (21 for a PPPK), sex; no two of these people are alike in all of it."""
    return f"{born:%Y%m%d}{hired:%Y}{'21' if contract else f'{hired:%m}'}{2 if woman else 1}001"


def main() -> None:
    for agency in AGENCIES:
        path = Path(__file__).parent / agency.code / "roster.csv"
        path.write_text(roster_csv(agency.code), encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
