import json

import pytest

from benchmarks.readme import fill_tables, render_table
from benchmarks.report import spread

MACHINE = {"accelerator": None, "cores": 2}


def write(folder, name, result):
    (folder / f"{name}.json").write_text(json.dumps({"result": result, "machine": MACHINE}))


def test_a_missing_result_names_the_command_that_makes_it(tmp_path):
    assert "`python -m benchmarks.mining`" in render_table("mining", tmp_path)


def test_only_marked_parts_are_replaced(tmp_path):
    text = "before\n<!-- table:mining -->\nold\n<!-- /table -->\nafter\n"
    filled = fill_tables(text, tmp_path)
    assert filled.startswith("before\n<!-- table:mining -->\n*Not measured yet")
    assert filled.endswith("<!-- /table -->\nafter\n")
    assert "old" not in filled
    assert fill_tables(filled, tmp_path) == filled


def test_an_unknown_table_is_refused(tmp_path):
    with pytest.raises(KeyError):
        fill_tables("<!-- table:nothing -->\n<!-- /table -->", tmp_path)


def test_each_measured_network_is_a_row(tmp_path):
    for arch, device in (("vgg16", "cpu"), ("resnet18", "cpu")):
        write(
            tmp_path,
            f"mining_{arch}_{device}",
            {
                "settings": {"arch": arch, "size": 224, "device": device},
                "mining_over_parts": spread([1.2]),
                "tcav_over_mining": spread([0.5]),
                "patch_over_pooled": spread([63.4]),
                **({"blanking_over_mining": spread([0.25])} if arch == "resnet18" else {}),
                "memory": {"peak_mb_per_image": 3.25},
            },
        )
    lines = render_table("mining", tmp_path).splitlines()
    assert lines[2] == "| resnet18, 224 px, 2 cores | 1.20 | 0.50 | 0.25 | 63 | 3.2 MB per image |"
    # A result of before this was measured.
    assert lines[3] == "| vgg16, 224 px, 2 cores | 1.20 | 0.50 | – | 63 | 3.2 MB per image |"
    assert len(lines) == 4


def test_a_table_that_a_result_brings_is_shown_as_it_is(tmp_path):
    table = {"header": ["arm", "conflict"], "rows": [["original", "12 | 3"]]}
    write(tmp_path, "correction_demo", {"table": table})
    rendered = render_table("correction-demo", tmp_path)
    assert rendered == "| arm | conflict |\n| --- | --: |\n| original | 12 \\| 3 |\n"
