"""The bugs found in public BERT-CRF code, and the tests that fail when one is put in: nobody deletes them unaware."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

# Number, what the bug was, and the tests that guard it, as `file::test` below tests/.
GUARDS: dict[int, tuple[str, list[str]]] = {
    1: (
        "no CRF mask, or a mask at training and none at decode",
        [
            "functional/crf/test_loss.py::test_known_bug_1_padding_takes_no_part_in_the_loss",
            "functional/crf/test_viterbi.py::test_known_bug_1_padding_takes_no_part_in_decoding",
            "task/test_tagging.py::test_padding_weighs_nothing",
        ],
    ),
    2: (
        "subwords and special tokens in the CRF: several votes a word",
        [
            "model/decoder/test_crf.py::test_known_bug_2_one_vote_a_word_first_and_last_word_carry_the_boundary_scores",
            "data/batches/test_collate.py::test_every_word_finds_its_own_subwords",
        ],
    ),
    3: ("a mask with holes", ["functional/crf/test_loss.py::test_known_bug_3_a_mask_with_holes_is_refused"]),
    4: (
        "ignored labels (-100) reach the CRF",
        [
            "functional/crf/test_loss.py::test_known_bug_4_ignored_labels_under_the_mask_are_refused",
            "data/readers/test_hf.py::test_minus_one_hundred_is_no_tag",
        ],
    ),
    5: (
        "CRF parameters not in the optimiser",
        [
            "optim/test_adamw.py::test_crf_is_in_the_optimizer_and_moves",
            "test_train.py::test_every_group_of_parameters_moves",
        ],
    ),
    6: (
        "one small rate for encoder and CRF, weight decay on transitions",
        [
            "optim/test_adamw.py::test_crf_moves_at_its_own_rate",
            "optim/test_adamw.py::test_transitions_do_not_decay",
            "optim/test_groups.py::test_transition_matrix_alone_has_no_decay",
        ],
    ),
    7: (
        "constraints of another scheme",
        [
            "tagging/test_schemes.py::test_transition_rules",
            "tagging/test_tagset.py::test_tables_are_the_rules",
            "data/readers/test_conll.py::test_the_scheme_is_the_files_own",
        ],
    ),
    8: (
        "CRF in half precision",
        [
            "functional/crf/test_loss.py::test_known_bug_8_half_precision_computes_in_full",
            "functional/crf/test_viterbi.py::test_known_bug_8_decoding_half_precision_emissions_under_autocast",
            "model/decoder/test_crf.py::test_known_bug_8_under_autocast_and_with_half_precision_parameters",
        ],
    ),
    9: (
        "impossible moves as trainable scores",
        ["functional/crf/test_loss.py::test_known_bug_9_forbidden_moves_take_no_probability_and_do_not_drift"],
    ),
    10: (
        "gold truncated with the input at evaluation",
        [
            "training/test_build.py::test_nothing_of_a_long_sentence_is_cut_in_training_or_evaluation",
            "data/batches/test_collate.py::test_nothing_of_a_long_sentence_is_cut",
            "test_bad_input.py::test_a_sentence_of_ten_thousand_words",
        ],
    ),
    11: (
        "F1 averaged over batches, or of tokens",
        [
            "metrics/test_entity_f1.py::test_f1_of_all_is_not_the_mean_over_batches",
            "metrics/test_entity_f1.py::test_equals_seqeval",
            "test_train.py::test_scores_are_those_of_seqeval_on_the_stored_predictions",
        ],
    ),
    12: (
        "wrong metric on several devices",
        [
            "test_ddp.py::test_two_processes_score_exactly_what_one_does",
            "test_ddp.py::test_predictions_hold_each_sentence_once_in_order",
            "metrics/test_entity_f1.py::test_two_processes_equal_one",
            "data/batches/test_samplers.py::test_evaluation_counts_each_sentence_once_and_no_rank_is_idle",
        ],
    ),
    13: (
        "an option that nothing reads",
        [
            "optim/test_adamw.py::test_every_option_is_read",
            "test_train.py::test_every_group_of_parameters_moves",
            "training/test_build.py::test_sizes_are_heeded",
            "training/test_build.py::test_pooling_chooses_the_subwords",
        ],
    ),
    14: (
        "Viterbi in training steps; a wait for the device at every word",
        [
            "task/test_tagging.py::test_no_viterbi_in_a_training_step",
            "model/decoder/test_crf.py::test_known_bug_14_no_viterbi_in_the_loss",
            "functional/crf/test_viterbi.py::test_known_bug_14_a_device_never_makes_the_host_wait",
            "functional/crf/test_viterbi.py::test_known_bug_14_no_host_synchronisation_for_a_batch",
        ],
    ),
    15: (
        "a confidence that is no probability",
        [
            "functional/crf/test_span_probability.py::test_equals_enumeration_for_every_possible_entity",
            "functional/crf/test_span_probability.py::"
            "test_known_bug_15_with_transitions_the_product_is_no_probability_of_the_entity",
            "functional/crf/test_span_probability.py::test_known_bug_15_independent_words_need_no_correction",
        ],
    ),
    16: (
        "examples or mentions dropped, neighbours of different types merged",
        [
            "data/readers/test_conll.py::test_first_and_last_sentence_are_kept",
            "tagging/test_schemes.py::test_repeated_mentions_are_all_kept",
            "tagging/test_schemes.py::test_types_are_never_merged",
        ],
    ),
    17: (
        "special tokens replaced, text lower-cased for a cased model",
        ["data/corpus/test_encoding.py::test_pieces_are_those_of_the_whole_pre_split_sentence"],
    ),
    18: (
        "no shuffling, a schedule of fixed length, the last weights evaluated",
        [
            "test_train.py::test_training_is_shuffled_and_dropout_stays_on",
            "task/test_tagging.py::test_the_schedule_covers_the_real_number_of_steps",
            "test_train.py::test_the_weights_of_the_best_epoch_are_scored",
            "test_train.py::test_resuming_remembers_the_best_epoch",
        ],
    ),
    19: (
        "words and subwords aligned by hope",
        [
            "data/corpus/test_encoding.py::test_a_word_without_subword_keeps_its_place_and_gets_a_tag",
            "data/readers/test_conll.py::test_invisible_words_keep_their_place",
            "inference/test_file_tagging.py::test_words_without_subwords_or_longer_than_a_row_keep_their_places",
        ],
    ),
    20: (
        "label 0 both padding and a class",
        [
            "functional/crf/test_loss.py::test_known_bug_20_tag_0_is_a_class_like_any_other",
            "task/test_tagging.py::test_padding_is_not_counted",
        ],
    ),
    21: (
        "resuming without optimiser, scheduler or sampler; a fixed port",
        [
            "test_train.py::test_resuming_goes_on_as_if_never_stopped",
            "test_train.py::test_metrics_hold_the_loss_and_the_scores_of_each_epoch",
            "test_ddp.py::test_no_port_is_fixed",
        ],
    ),
    22: (
        "lenient scores, unnamed",
        [
            "metrics/test_scores.py::test_strict_and_lenient_are_not_mixed_up",
            "metrics/test_score_tables.py::test_seqeval_report_is_strict",
        ],
    ),
    23: (
        "only the surviving sentences scored",
        [
            "test_train.py::test_predictions_hold_each_sentence_once_in_the_order_of_the_corpus",
            "training/test_build.py::test_the_tags_are_those_of_the_training_data_and_the_metric_knows_all",
            "training/test_build.py::test_nothing_of_a_long_sentence_is_cut_in_training_or_evaluation",
        ],
    ),
    24: (
        "one W&B run for all jobs of a sweep",
        [
            "logger/test_wandb.py::test_two_runs_in_one_process_are_two_runs",
            "logger/test_wandb.py::test_a_run_that_nobody_closed_is_closed_as_failed_by_the_next",
        ],
    ),
}


@functools.cache
def _tests_in(file: Path) -> frozenset[str]:
    """Names of the test functions of a file, skipped ones left out."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))
    return frozenset(f.name for f in functions if not any("skip" in ast.unparse(d) for d in f.decorator_list))


def test_every_bug_has_a_row() -> None:
    assert list(GUARDS) == list(range(1, 25))
    assert all(guards for _, guards in GUARDS.values())


@pytest.mark.parametrize("number", GUARDS)
def test_the_guards_are_there(number: int) -> None:
    for guard in GUARDS[number][1]:
        file, _, name = guard.partition("::")
        assert (TESTS / file).is_file(), f"bug {number} ({GUARDS[number][0]}): there is no tests/{file}"
        assert name in _tests_in(TESTS / file), (
            f"bug {number} ({GUARDS[number][0]}): {guard} is gone; what guards it now?"
        )
