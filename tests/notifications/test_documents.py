"""The evaluation document: every box says something, texts stay texts, the same facts are the same bytes."""

import io
import json
import re
import time
import unicodedata
from copy import deepcopy
from typing import Any

import pytest
from pypdf import PdfReader

import policies
from notifications.documents import check_code, evaluation_document, fingerprint
from rules.pack.predicates import Inputs, derive
from rules.terms import BehaviorValue, Locale, OrgPredicate, Rating


def person(name: str, nip: str, post: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "nip": nip, "post": post, "unit": "Dinas Kependudukan dan Pencatatan Sipil"} | more


def pack_facts(name: str) -> dict[str, Any]:
    pack = policies.load(name)
    return {
        "pack": {"title": pack.title[Locale.ID], "name": pack.name, "version": pack.version, "sha256": pack.sha256,
                 "legal_basis": list(pack.legal_basis)},
        "labels": pack.labels[Locale.ID].model_dump(mode="json")
        | {"aspects": {one.key: one.title[Locale.ID] for one in pack.behavior_aspects}},
    }  # fmt: skip


def objected() -> dict[str, Any]:
    """Quadrant, raised after an objection: version 2 of a final document."""
    inputs = Inputs(org_predicate=OrgPredicate.GOOD, result_rating=Rating.ABOVE, behavior_rating=Rating.ABOVE)
    derivation = derive(policies.load("permenpanrb-6-2022"), inputs)
    values = {value.value: {"seen": "meets", "text": ""} for value in BehaviorValue}
    values["service"] = {"seen": "above", "text": "Melayani 40 warga di luar jam kerja saat banjir."}
    indicators = [
        {"aspect": "quantity", "text": "Akta yang diterbitkan", "target": "1250", "unit": "akta", "actual": "1310.5",
         "evidence": "https://arsip.mamuju.example/laporan/2026/akta-kelahiran-dan-kematian-triwulan-iv.pdf"},
        {"aspect": "time", "text": "Hari kerja per akta", "target": "3", "unit": "hari", "actual": None,
         "evidence": ""},
    ]  # fmt: skip
    return {
        "no": "MAMUJU/2026/17", "version": 2, "agency": "Pemerintah Kabupaten Mamuju", "zone": "Asia/Makassar",
        "year": 2026, "final": True, "dated": "2027-03-01T02:00:00+00:00",
        "replaces": {"version": 1, "issued_at": "2027-01-11T01:00:00+00:00", "cause": "objection"},
        "period": ["2026-01-01", "2026-12-31"],
        "employee": person("Siti Nurhaliza, S.A.P.", "199001012015012001", "Pengelola Akta", employment="pns"),
        "rater": person("Andi Rahman, S.E.", "198003032005011003", "Kepala Bidang Pencatatan Sipil", mandate={
            "kind": "plt", "decree_no": "SK 800/12/2026", "post": "Sekretaris Dinas"}),
        "authority": person("Drs. Baso Tenri, M.Si.", "197002021995031002", "Kepala Dinas", mandate=None),
        "segments": [], "recommendation": "Diusulkan mengikuti pelatihan pelayanan publik.",
        "organisation": {"predicate": "good", "reason": "Target perjanjian kinerja tercapai 103%.",
                         "by": "Drs. Baso Tenri, M.Si.", "at": "2026-12-10T01:00:00+00:00", "pattern": "broken"},
        "plan": {"is_default": False, "established_at": "2026-01-20T01:00:00+00:00", "items": [
            {"kind": "main", "title": "Terlayaninya penerbitan akta", "assigned_by": "",
             "supports": "Meningkatnya kepemilikan akta", "indicators": indicators},
            {"kind": "additional", "title": "Menjadi panitia pemilihan", "assigned_by": "Sekretaris Daerah",
             "supports": "", "indicators": []}]},
        "rating": {"result": "above", "behavior": "above", "values": values, "scores": {}, "innovation": "",
                   "innovation_evidence": "", "feedback": "Hasil melampaui target; pertahankan.",
                   "rated_at": "2026-12-28T01:00:00+00:00"},
        "result": {"predicate": derivation.predicate.value, "score": None, "why": derivation.why,
                   "issued_at": "2027-02-20T01:00:00+00:00", "received_at": "2027-02-21T01:00:00+00:00",
                   "receipt_kind": "acknowledged", "objection_until": None},
        "objection": {
            "state": "decided", "reasons": "Realisasi triwulan IV belum diperhitungkan.",
            "filed_at": "2027-01-15T01:00:00+00:00", "statements_until": "2027-01-22T15:59:59+00:00",
            "decide_until": "2027-02-14T15:59:59+00:00", "outcome": "raise",
            "decided_at": "2027-02-20T01:00:00+00:00",
            "decision_reasons": "Bukti triwulan IV sah dan melampaui target.",
            "statements": {
                "employee": {"outcome": "refused", "text": "", "at": "2027-01-16T01:00:00+00:00"},
                "rater": {"outcome": "given", "text": "Laporan terlambat masuk.", "at": "2027-01-17T01:00:00+00:00"},
            },
        },
        "no_result": None,
    } | pack_facts("permenpanrb-6-2022")  # fmt: skip


def default_plan() -> dict[str, Any]:
    """Not final, nobody objected yet, HR's default plan, no superior named."""
    facts = deepcopy(objected())
    facts |= {"version": 1, "final": False, "replaces": None, "objection": None, "recommendation": "",
              "authority": None, "dated": "2027-01-12T02:00:00+00:00"}  # fmt: skip
    facts["plan"]["is_default"] = True
    facts["result"] |= {"objection_until": "2027-01-26T15:59:59+00:00"}
    return facts


def without_result() -> dict[str, Any]:
    return deepcopy(objected()) | {
        "version": 1, "replaces": None, "result": None, "rating": None, "objection": None, "plan": None,
        "recommendation": "", "no_result": {
            "state": "not_rated", "explanation": "Penilai wafat; PPK telah diberi tahu.",
            "at": "2027-02-25T01:00:00+00:00"},
    }  # fmt: skip


def by_scores() -> dict[str, Any]:
    aspects = {"service_orientation": 100, "commitment": 95, "initiative": 90, "cooperation": 110}
    derivation = derive(policies.load("pp-30-2019"), Inputs(skp_score=96, behavior_aspects=aspects))
    facts = deepcopy(objected()) | pack_facts("pp-30-2019")
    facts |= {"version": 1, "replaces": None, "objection": None, "organisation": None}
    facts["rating"] |= {
        "result": None,
        "behavior": None,
        "values": {},
        "scores": {k: str(v) for k, v in aspects.items()},
    }
    facts["result"] |= {"predicate": derivation.predicate.value, "score": str(derivation.score), "why": derivation.why}
    return facts


CASES = {"objected": objected, "default_plan": default_plan, "without_result": without_result, "by_scores": by_scores}


def read(facts: dict[str, Any]) -> str:
    """The text of the pages in one line: where lines break is the layout's affair."""
    pages = PdfReader(io.BytesIO(evaluation_document(facts))).pages
    text = "\n".join(page.extract_text() for page in pages).replace("\u200b", "")
    return re.sub(r"\s+", " ", text)


def solid(text: str) -> str:
    return re.sub(r"\s+", "", text)


def box(text: str, title: str, following: str) -> str:
    found = re.search(rf"\d\. {title}(.*?){following}", text)
    assert found, title
    return found[1].strip()


def boxes(text: str) -> list[str]:
    names = ["Rekomendasi", "Keberatan", "Penjelasan Pejabat Penilai Kinerja",
             "Keputusan Atasan Pejabat Penilai Kinerja"]  # fmt: skip
    ends = [rf"\d\. {name}" for name in names[1:]] + ["(?:Pegawai yang Dinilai|Tanggal dokumen)"]
    return [box(text, name, end) for name, end in zip(names, ends, strict=True)]


def test_all_four_boxes_are_filled_from_an_objection():
    recommendation, objection, explanation, decision = boxes(read(objected()))
    assert recommendation == "Diusulkan mengikuti pelatihan pelayanan publik."
    assert "Realisasi triwulan IV belum diperhitungkan." in objection
    assert "Keterangan pegawai: Menolak memberi penjelasan." in objection
    assert explanation.endswith("Laporan terlambat masuk.")
    assert decision.startswith("Hasil evaluasi dinaikkan.")
    assert "Bukti triwulan IV sah dan melampaui target." in decision


@pytest.mark.parametrize("case", ["default_plan", "without_result", "by_scores"])
def test_no_box_is_ever_blank(case: str):
    assert all(boxes(read(CASES[case]())))


@pytest.mark.parametrize(
    ("state", "statements", "said"),
    [
        ("filed", {}, "Belum diberikan; ditunggu sampai Jumat, 22 Januari 2027 pukul 23.59 WITA."),
        ("withdrawn", {}, "Tidak diperlukan: keberatan ditarik kembali."),
        ("under_examination", {"rater": {"outcome": "silent", "text": "", "at": "2027-01-23T00:00:00+00:00"}},
         "Tidak memberi penjelasan dalam waktu yang ditentukan."),
    ],
)  # fmt: skip
def test_an_objection_under_way_says_where_it_stands(state: str, statements: dict[str, Any], said: str):
    facts = objected()
    facts["objection"] |= {"state": state, "statements": statements, "outcome": None, "decided_at": None,
                           "decision_reasons": ""}  # fmt: skip
    _, _, explanation, decision = boxes(read(facts))
    assert explanation == said
    assert ("Ditarik kembali" in decision) == (state == "withdrawn")
    assert "Diputus secara elektronik" not in read(facts)


def test_it_says_who_what_and_why():
    text = read(objected())
    for said in (
        "PEMERINTAH KABUPATEN MAMUJU", "Nomor: MAMUJU/2026/17 · versi 2", "1 Januari 2026 s.d. 31 Desember 2026",
        "Siti Nurhaliza, S.A.P.", "199001012015012001", "Plt. Sekretaris Dinas, SK 800/12/2026", "Drs. Baso Tenri",
        "Predikat kinerja organisasi Baik", "Tidak sesuai dengan pola distribusi predikat", "1.250 akta",
        "1.310,5 akta", "Tidak dilaporkan", "Pimpinan yang Diintervensi: Meningkatnya",
        "Penugasan dari: Sekretaris Daerah", "Berorientasi Pelayanan di atas ekspektasi Melayani 40 warga",
        "Kolaboratif sesuai ekspektasi", "SANGAT BAIK", "Hasil kerja di atas ekspektasi dan perilaku kerja di atas",
        "PP 30/2019; PermenPANRB 6/2022", "paket kebijakan permenpanrb-6-2022 versi 1",
        "menggantikan dokumen nomor MAMUJU/2026/17 versi 1 tanggal 11 Januari 2027, berdasarkan keputusan atas "
        "keberatan", "menerima tidak berarti menyetujui", "Ditetapkan secara elektronik Senin, 28 Desember 2026",
    ):  # fmt: skip
        assert solid(said) in solid(text), said
    assert "DRAF" not in text


def test_a_default_plan_and_a_draft_say_so():
    text = read(default_plan())
    assert "SKP baku: ditetapkan oleh Pengelola Kinerja" in text
    assert "DRAF: keadaan per" in text
    assert "dapat diajukan sampai Selasa, 26 Januari 2027 pukul 23.59 WITA" in text
    assert "Belum ditunjuk" in text
    assert "menggantikan" not in text


def test_no_result_says_why_and_presumes_nothing():
    text = read(without_result())
    assert "TANPA HASIL EVALUASI" in text
    assert "Penilai wafat; PPK telah diberi tahu." in text
    assert "PREDIKAT KINERJA PEGAWAI" not in text
    assert "Tidak ada SKP yang ditetapkan." in text


def test_scores_stand_where_the_pack_goes_by_scores():
    text = read(by_scores())
    assert "Kerja sama 110" in text
    assert "Nilai akhir 96,825" in text
    assert "70% × 96 + 30% × 98,75 = 96,82" in text


@pytest.mark.parametrize(
    "hostile",
    [
        '#panic("x") #import "@preview/x:1.0.0": *',
        "$x^2$ @ref <label> _tegas_ *tebal* `kode` ~ -- ... \"kutip\" 'satu'",
        "\\u{41} \\ {{ 7*7 }} {% raw %} </svg> = Judul",
        "*/ /* // komentar",
    ],
)
def test_typst_in_a_text_stays_a_text(hostile: str):
    facts = objected()
    facts["employee"]["name"] = facts["recommendation"] = facts["objection"]["reasons"] = hostile
    facts["plan"]["items"][0]["title"] = facts["rating"]["values"]["loyal"]["text"] = facts["agency"] = hostile
    assert solid(read(facts)).count(solid(hostile)) >= 4


def test_other_scripts_long_names_and_lines_are_kept():
    facts = objected()
    facts["employee"]["name"] = "Wolfeschlegelsteinhausenbergerdorff" * 8
    facts["employee"]["post"] = "محمد بن عبد الله"
    facts["recommendation"] = "baris satu\nbaris \u202edua\x00\x07 selesai"
    text = read(facts)
    assert solid(facts["employee"]["name"]) in solid(text)
    assert "baris satu baris dua selesai" in text
    assert set("محمدعبلن") <= set(unicodedata.normalize("NFKC", text))
    assert PdfReader(io.BytesIO(evaluation_document(facts))).pages[0].mediabox.width == pytest.approx(595, abs=1)


def test_a_long_name_stays_on_the_page():
    facts = objected()
    facts["employee"]["name"] = "W" * 400
    seen: list[float] = []
    page = PdfReader(io.BytesIO(evaluation_document(facts))).pages[0]
    page.extract_text(visitor_text=lambda text, cm, tm, font, size: seen.append(tm[4]) if "W" in text else None)
    assert len(seen) > 5
    assert max(seen) < 595


def test_the_same_facts_are_the_same_bytes_and_dated_by_them():
    first, again = evaluation_document(objected()), evaluation_document(objected())
    assert first == again
    metadata = PdfReader(io.BytesIO(first)).metadata
    assert metadata is not None
    assert metadata.creation_date is not None
    assert metadata.creation_date.year == 2027
    facts = objected()
    facts["rating"]["feedback"] += "!"
    assert evaluation_document(facts) != first


def test_the_check_code_tells_nothing_about_the_person():
    facts = objected()
    code = check_code(facts)
    assert code == f"MAMUJU/2026/17 v2 sha256:{fingerprint(facts)[:16]}"
    assert solid(code) in solid(read(facts))
    changed = deepcopy(facts)
    changed["result"]["predicate"] = "good"
    assert check_code(changed) != code
    assert fingerprint(json.loads(json.dumps(facts))) == fingerprint(facts)


def test_a_document_takes_milliseconds():
    evaluation_document(objected())
    begun = time.perf_counter()
    for _ in range(5):
        evaluation_document(objected())
    assert time.perf_counter() - begun < 2.5
