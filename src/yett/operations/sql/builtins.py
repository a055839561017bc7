"""What PostgreSQL's own functions do, and those of extensions that come with it.

Volatility says little of harm: `table_to_xml` is stable and runs views, `random` is volatile and harmless. A built-in
function that is immutable or stable passes unless it is listed; a volatile one passes only if it is listed. Read from
pg_proc of 15.18 and 18.4.
"""

from __future__ import annotations

from yett.model.effects import Effect, Recovery
from yett.operations.sql.catalog import Function
from yett.operations.sql.facts import Fact, ask, guard, unknown
from yett.operations.sql.statement import Way

RUNS_TEXT = frozenset(
    """query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema table_to_xml
    table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema schema_to_xml_and_xmlschema
    database_to_xml database_to_xmlschema database_to_xml_and_xmlschema ts_stat ts_rewrite""".split()
)

BY_TYPE_NAME = frozenset(
    """json_populate_record json_populate_recordset jsonb_populate_record jsonb_populate_recordset
    jsonb_populate_record_valid pg_input_is_valid pg_input_error_info domain_in domain_recv record_in record_recv
    array_in array_recv range_in range_recv multirange_in multirange_recv""".split()
)
"""They read a value as a type that the text need not name, so that any domain's check may run."""

_HARMLESS = frozenset(
    """random random_normal setseed gen_random_uuid uuidv4 uuidv7 clock_timestamp timeofday current_query currval lastval
    array_sample array_shuffle amvalidate currtid2 lo_get
    pg_blocking_pids pg_collation_actual_version pg_control_checkpoint pg_control_init pg_control_recovery
    pg_control_system pg_current_logfile pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn
    pg_database_collation_actual_version pg_database_size pg_export_snapshot pg_get_wal_replay_pause_state
    pg_indexes_size pg_is_in_recovery pg_is_wal_replay_paused pg_isolation_test_session_is_blocked pg_jit_available
    pg_last_committed_xact pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_lock_status
    pg_notification_queue_usage pg_partition_ancestors pg_partition_tree pg_prepared_xact pg_relation_size
    pg_safe_snapshot_blocking_pids pg_sequence_last_value pg_sleep pg_sleep_for pg_sleep_until pg_stat_clear_snapshot
    pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit pg_stat_get_xact_function_calls
    pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time pg_stat_get_xact_numscans
    pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched pg_stat_get_xact_tuples_hot_updated
    pg_stat_get_xact_tuples_inserted pg_stat_get_xact_tuples_newpage_updated pg_stat_get_xact_tuples_returned
    pg_stat_get_xact_tuples_updated pg_stat_have_stats pg_table_size pg_tablespace_size pg_total_relation_size
    pg_xact_commit_timestamp pg_xact_commit_timestamp_origin pg_xact_status txid_status""".split()
)
_OWN_TRIGGERS = frozenset(
    "suppress_redundant_updates_trigger tsvector_update_trigger tsvector_update_trigger_column".split()
)
_ADVISORY = "holds an advisory lock, for which others may wait"
_LARGE = "changes large objects, which the guard does not see"

_HARMFUL = {
    "nextval": guard(Effect.WRITE, Recovery.AUTOMATIC, "takes a number of a sequence"),
    "setval": ask(Effect.WRITE, Recovery.FROM_BACKUP, "sets a sequence, which the guard does not see"),
    "pg_notify": ask(Effect.WRITE, Recovery.NONE, "notifies listeners, who may act on it"),
    "lo_unlink": ask(Effect.DELETE, Recovery.FROM_BACKUP, "deletes a large object, which the guard does not see"),
    **{
        name: ask(Effect.WRITE, Recovery.FROM_BACKUP, _LARGE)
        for name in (
            "lo_creat lo_create lo_from_bytea lo_put lo_open lo_close lo_lseek lo_lseek64 lo_tell lo_tell64 loread lowrite"
            " lo_truncate lo_truncate64"
        ).split()
    },
    **{
        name: Fact(Way.PASS, Effect.WRITE, Recovery.AUTOMATIC, _ADVISORY)
        for name in (
            "pg_advisory_lock pg_advisory_lock_shared pg_advisory_xact_lock pg_advisory_xact_lock_shared"
            " pg_try_advisory_lock pg_try_advisory_lock_shared pg_try_advisory_xact_lock"
            " pg_try_advisory_xact_lock_shared"
        ).split()
    },
    **{
        name: Fact(Way.PASS, Effect.READ, Recovery.AUTOMATIC, "")
        for name in "pg_advisory_unlock pg_advisory_unlock_shared pg_advisory_unlock_all".split()
    },
}

_PURE_EXTENSIONS = frozenset(
    """pg_trgm unaccent citext hstore ltree intarray cube earthdistance fuzzystrmatch isn btree_gin btree_gist bloom
    vector postgis postgis_topology seg uuid-ossp pgcrypto tsm_system_rows tsm_system_time pg_stat_statements""".split()
)
"""Extensions none of whose C functions runs SQL that it is given, or code that is not its own."""

_EXTENSION_HARMLESS = frozenset(
    """uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 gen_random_bytes gen_random_uuid gen_salt pgp_sym_encrypt
    pgp_sym_encrypt_bytea pgp_pub_encrypt pgp_pub_encrypt_bytea pg_stat_statements pg_stat_statements_info set_limit
    show_limit""".split()
)


def judge(function: Function, trigger: bool = False) -> Fact | None:
    """What a built-in function, or one in C, does by itself; None: it computes or reads, and no more."""
    name = function.name
    if not function.builtin:
        return _foreign(function)
    if trigger and name in _OWN_TRIGGERS:
        return None
    if name in RUNS_TEXT:
        return unknown(f"calls {name}, which runs the query it is given")
    if name in _HARMFUL:
        return _HARMFUL[name]
    if function.volatility != "v" or name in _HARMLESS:
        return None
    if name == "set_config":
        return unknown("calls set_config out of sight")
    return ask(Effect.ADMIN, Recovery.NONE, f"calls {name}, which acts on the server itself")


def _foreign(function: Function) -> Fact | None:
    """Functions in C: only a superuser makes them, so that what is labelled immutable is; stable ones run SQL at times.

    `crosstab`, `connectby` and `xpath_table` are stable and run the text they are given.
    """
    if function.kind == "a" or function.volatility == "i":
        return None
    if function.extension in _PURE_EXTENSIONS and (function.volatility == "s" or function.name in _EXTENSION_HARMLESS):
        return None
    return unknown(f"calls {function.schema}.{function.name}, compiled code that can do anything")
