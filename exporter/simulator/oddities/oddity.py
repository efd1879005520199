"""The oddities by name, each with what it does."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Self


class Oddity(StrEnum):
    """A way in which answers differ from the plain documents; `summary` says which."""

    summary: str

    def __new__(cls, name: str, summary: str) -> Self:
        """Make a member whose value is `name`."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.summary = summary
        return member

    UNKNOWN_FIELDS = "unknown-fields", "All records have fields that no document knows."
    ERROR_SHAPES = "error-shapes", "Errors come by turns in every known shape that has a code."

    METADATA_WITHOUT_TOKEN = (
        "metadata-without-token",
        "The metadata service issues no tokens (404, 405 or 503 by turns) and asks for none.",
    )
    METADATA_WITHOUT_AGENCY = (
        "metadata-without-agency",
        "The metadata service has no keys, because no agency is attached to the machine.",
    )

    FDI_OFFSET_COUNTS_RECORDS = (
        "fdi-offset-counts-records",
        "FDI's offset is the index of a record instead of the number of a page.",
    )
    FDI_OFFSET_FROM_0 = "fdi-offset-from-0", "FDI's offset counts from 0, so that 1 is the second."
    FDI_LIMIT_CAPPED = "fdi-limit-capped", "FDI's pages hold 7 records at most, whatever is asked."
    FDI_PAGES_REPEAT = (
        "fdi-pages-repeat",
        "FDI's pages after the first begin with the last two records of the one before.",
    )
    FDI_LIST_CHANGES = (
        "fdi-list-changes",
        "One time in three that an FDI list is read, its first record goes after the first page.",
    )
    FDI_TOTAL_LIES = "fdi-total-lies", "FDI's total is by turns far too large and far too small."
    FDI_NUMBERS_AS_TEXT = "fdi-numbers-as-text", "FDI writes numbers and truths as texts."
    FDI_TEXT_AS_NUMBERS = (
        "fdi-text-as-numbers",
        "FDI writes texts of digits, and truths, as numbers.",
    )
    FDI_STATUS_AS_WORD = (
        "fdi-status-as-word",
        "FDI's list says `running` and `stop` as the detail does, instead of 1 and 0.",
    )
    FDI_OTHER_CASE = "fdi-other-case", "FDI's words come in other case than documented."
    FDI_NULLS = (
        "fdi-nulls",
        "What FDI has no value for is null, 0, -1 or empty by turns, and an empty list is null.",
    )
    FDI_STALE_CRON = (
        "fdi-stale-cron",
        "FDI's tasks have both a cron expression and a period; use_quartz_cron tells which holds.",
    )
    FDI_DATES_AS_TEXT = "fdi-dates-as-text", "FDI's details tell dates in ISO 8601."
    FDI_UNKNOWN_TASK = (
        "fdi-unknown-task",
        "FDI lists one more task, which never changes, of unknown type and execute_status.",
    )
    FDI_STATISTICS_WITHOUT_CDC = (
        "fdi-statistics-without-cdc",
        "FDI's statistics lack the counts of CDC tasks, as on older instances.",
    )
    FDI_WITHOUT_OVERVIEW = (
        "fdi-without-overview",
        "FDI has no overview of a task's runs, as on older instances.",
    )

    DMS_COUNT_AS_NUMBER = "dms-count-as-number", "DMS tells task_count as a number."
    DMS_COUNT_LIES = (
        "dms-count-lies",
        "DMS's task_count is by turns far too large and that of the page only.",
    )
    DMS_OFFSET_FOR_START = (
        "dms-offset-for-start",
        "DMS understands offset, from 0, and passes over start: the name in newer documents.",
    )
    DMS_START_FROM_0 = (
        "dms-start-from-0",
        "DMS's start counts tasks from 0, as the documents of RocketMQ allow.",
    )
    DMS_END_IS_ERROR = (
        "dms-end-is-error",
        "DMS answers DMS.40050010 (400) beyond the end of a list.",
    )
    DMS_ROWS_MOVE = (
        "dms-rows-move",
        "DMS's list moves on by two rows after its first page, as if new tasks came on top.",
    )
    DMS_TIME_FORMS = "dms-time-forms", "DMS's times have from none to nine digits of the second."
    DMS_OTHER_CASE = "dms-other-case", "DMS's statuses come in other case than documented."
    DMS_NULLS = (
        "dms-nulls",
        "DMS's end of a task that goes on is null or empty, so is its user, and an empty list.",
    )
    DMS_TEXT_AS_NUMBERS = "dms-text-as-numbers", "DMS writes texts of digits as numbers."
    DMS_UNKNOWN_TASK = (
        "dms-unknown-task",
        "DMS lists one more task, which never changes, of unknown name and status.",
    )

    OCP_SYS_ONCE = "ocp-sys-once", "OCP spells SYS_ONECE right: SYS_ONCE."
    OCP_PARALLE_IDX = "ocp-paralle-idx", "OCP's subtasks have paralleIdx for parallelIdx."
    OCP_DOWNSTREAM = (
        "ocp-downstream",
        "OCP's subtasks have downstream for downstreams, and no upstreams.",
    )
    OCP_TOTAL_PAGE = "ocp-total-page", "OCP's pages have totalPage for totalPages."
    OCP_STATUS_AS_LIST = "ocp-status-as-list", "OCP tells status as a list of one."
    OCP_IDS_AS_TEXT = "ocp-ids-as-text", "OCP writes ids as texts of digits."
    OCP_CREATOR_AS_TEXT = "ocp-creator-as-text", "OCP tells the creator by name only."
    OCP_TENANT_OB_CLUSTER_ID = (
        "ocp-tenant-ob-cluster-id",
        "OCP calls the id of a tenant in its cluster obClusterId instead of obTenantId.",
    )
    OCP_OPERATION_IN_LIST = (
        "ocp-operation-in-list",
        "OCP tells the operation of an instance in the list too, and all operations in lower case.",
    )
    OCP_TAGS = (
        "ocp-tags",
        "OCP tells in tags, and nowhere else, the names of what an instance works on.",
    )
    OCP_SIZE_CLAMPED = "ocp-size-clamped", "OCP's pages hold 50 instances at most and say so."
    OCP_ROWS_MOVE = (
        "ocp-rows-move",
        "OCP's list moves on by two rows after its first page, as if new ones came on top.",
    )
    OCP_SORT_IGNORED = (
        "ocp-sort-ignored",
        "OCP passes over the order that is asked for, and lists the oldest first.",
    )
    OCP_CLUSTER_REFUSED = (
        "ocp-cluster-refused",
        "OCP leaves out what works on one cluster, and refuses it (403) to who asks for it by id.",
    )
    OCP_TIME_FORMS = (
        "ocp-time-forms",
        "OCP's times come with +0800 or Z, and with three, six or nine digits of the second.",
    )
    OCP_FINISH_WHILE_RUNNING = (
        "ocp-finish-while-running",
        "OCP shows a finishTime of whatever is RUNNING, not only of what is repeated.",
    )
    OCP_NULLS = "ocp-nulls", "OCP writes null for what it has no value for, and for an empty list."
    OCP_PENDING_TASK = (
        "ocp-pending-task",
        "OCP lists one more instance, which never changes, whose status is PENDING.",
    )


ODDITIES: Mapping[str, Oddity] = MappingProxyType({oddity.value: oddity for oddity in Oddity})
"""Every oddity by its name."""

HARMFUL = frozenset(
    {
        Oddity.METADATA_WITHOUT_AGENCY,
        Oddity.FDI_STATISTICS_WITHOUT_CDC,
        Oddity.FDI_WITHOUT_OVERVIEW,
        Oddity.OCP_CLUSTER_REFUSED,
    }
)
"""Those that keep something from every reader: keys, counts, or tasks."""

HARMLESS = frozenset(Oddity) - HARMFUL
"""All the others, which a reader can bear even at once."""

EXTRA_TASKS = frozenset({Oddity.FDI_UNKNOWN_TASK, Oddity.DMS_UNKNOWN_TASK, Oddity.OCP_PENDING_TASK})
"""Those that show one more task; none of its runs is ever counted."""
