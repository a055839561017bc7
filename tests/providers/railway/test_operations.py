"""What Railway's acts do, as `operations.toml` has it, checked against the schema's names and the founding incident."""

from __future__ import annotations

import re

import pytest

from yett.model.effects import Effect, Recovery
from yett.providers.actions import Action
from yett.providers.book import ProviderBook
from yett.providers.railway.resources import KINDS
from yett.providers.room import Room


def words(text: str) -> list[str]:
    return text.split()


IRREVERSIBLE = words("""
cloudAgentDelete environmentApplyChangeSet environmentDelete environmentPatchCommit
environmentPatchCommitStaged pluginDelete pluginReset privateNetworksForEnvironmentDelete projectDelete
projectScheduleDelete projectScheduleDeleteForce sandboxCheckpointDelete sandboxDestroy serviceDelete signalDelete
signalReplace templateDelete userDelete variableDelete volumeDelete volumeInstanceBackupDelete
volumeInstanceBackupRestore workspaceDelete""")

GRANTS_OR_MINTS = words("""
apiTokenCreate projectTokenCreate generateShellToken bucketCredentialsReset pluginResetCredentials
loginSessionAuth loginSessionConsume sshPublicKeyCreate sshSignupApprove twoFactorInfoSecret twoFactorInfoCreate
twoFactorInfoDelete recoveryCodeGenerate projectMemberAdd projectMemberUpdate projectMemberRemove projectInviteUser
projectInvitationCreate projectInvitationAccept inviteCodeUse workspaceInviteCodeCreate workspaceInviteCodeUse
workspaceUserInvite workspaceUserRemove workspacePermissionChange workspaceTwoFactorEnforcementUpdate
workspacePolicyItemUpdate workspacePolicyDeploySourceAllowlistAdd trustedDomainCreate trustedDomainUpdate
projectTransfer projectTransferConfirm projectTransferInitiate projectTransferToTeam projectClaim
emailChangeInitiate emailChangeConfirm passkeyDelete railwayDomainNameserversSet""")

PLANTS = words("""sandboxExec sandboxTemplateBuild serviceConnect deploymentTriggerCreate deploymentTriggerUpdate
deploymentApprove cloudAgentCreate integrationCreate integrationUpdate templatePublish
templateServiceSourceEject""")

SECRETS = words("""variables variablesForServiceDeployment bucketS3Credentials deploymentSnapshot integrations
projectInviteCode""")


@pytest.fixture(scope="module")
def railway(book: ProviderBook) -> Room:
    room = book.named("railway")
    assert room is not None
    return room


def everything(room: Room) -> list[Action]:
    tables = (room.actions.mutations, room.actions.queries, room.actions.subscriptions)
    return [action for table in tables for action in table.values()]


def test_all_fields_of_the_schema_are_listed(railway: Room) -> None:
    listed = railway.actions
    assert (len(listed.mutations), len(listed.queries), len(listed.subscriptions)) == (230, 152, 13)


@pytest.mark.parametrize("name", IRREVERSIBLE)
def test_what_nobody_can_bring_back_says_so(railway: Room, name: str) -> None:
    """From a backup counts, since Railway's backups die with their volume: `authority.py` says that of each."""
    action = railway.actions.mutations[name]
    assert action.effect in (Effect.DELETE, Effect.UNKNOWN)
    assert action.recovery is Recovery.NONE or (action.recovery, name) == (Recovery.FROM_BACKUP, "volumeDelete")


@pytest.mark.parametrize("name", GRANTS_OR_MINTS + PLANTS)
def test_what_grants_mints_or_plants_is_admin(railway: Room, name: str) -> None:
    assert railway.actions.mutations[name].effect is Effect.ADMIN


@pytest.mark.parametrize("name", SECRETS)
def test_a_read_that_returns_secrets_is_admin(railway: Room, name: str) -> None:
    action = railway.actions.queries[name]
    assert action.effect is Effect.ADMIN
    assert action.returns_secret


def test_no_other_query_is_more_than_a_read(railway: Room) -> None:
    others = [a for name, a in railway.actions.queries.items() if name not in SECRETS]
    assert {action.effect for action in others} == {Effect.READ}


def test_no_mutation_is_a_read(railway: Room) -> None:
    assert not [a.name for a in railway.actions.mutations.values() if a.effect is Effect.READ]


def test_a_name_that_says_delete_is_at_least_a_delete(railway: Room) -> None:
    """The verb is only a floor: it misses many (`railway_mutations` of the findings: recall 0.57)."""
    verbs = re.compile(r"(?:Delete|Remove|Destroy)(?![a-z])")
    named = [a for a in railway.actions.mutations.values() if verbs.search(a.name) and not a.name.endswith("Cancel")]
    assert len(named) >= 40
    assert not [action.name for action in named if action.effect.harm < Effect.DELETE.harm]


def test_tokens_that_are_minted_are_sealed(railway: Room) -> None:
    for name in ("apiTokenCreate", "projectTokenCreate", "generateShellToken", "twoFactorInfoSecret", "variables"):
        assert f"railway:{name}" in railway.minting


def test_what_is_said_to_be_placeless_is_a_read_or_telemetry(railway: Room) -> None:
    """Placeless acts count as the task's own place: nothing that could be lost may be among them."""
    writes = [a.name for a in everything(railway) if a.placeless and a.effect is not Effect.READ]
    assert sorted(writes) == ["cliAuthEventTrack", "cliEventTrack", "setupAgentEventTrack"]


def test_logs_and_settings_of_an_environment_are_not_placeless(railway: Room) -> None:
    for name in ("deploymentLogs", "environmentLogs", "httpLogs", "variables", "environment", "metrics", "auditLogs"):
        assert not railway.actions.queries[name].placeless


def test_what_can_be_looked_at_is_what_acts_name_most(railway: Room) -> None:
    """A kind that nobody can look at stands nowhere that is known, so it counts as production: these few do."""
    named = {ref.kind for action in everything(railway) for on in action.on for ref in on.alternatives}
    assert named - KINDS == {
        "bucket", "cloud_agent", "deployment_trigger", "environment_patch", "integration", "plugin",
        "private_network_endpoint", "railway_domain", "service_instance_id", "tcp_proxy", "template", "workspace",
    }  # fmt: skip


def test_the_names_of_steering_variables(railway: Room) -> None:
    (rule,) = railway.actions.mutations["variableUpsert"].worse
    assert rule.matches is not None
    steering = "DATABASE_URL PGHOST REDIS_URL DATABASE_PUBLIC_URL NODE_OPTIONS PATH LD_PRELOAD API_BASE_URL db_host"
    assert [name for name in steering.split() if not rule.matches.search(name)] == []
    plain = "COLOUR PORT LOG_LEVEL FEATURE_NEW_SEARCH SESSION_SECRET STRIPE_KEY NODE_ENV HOSTED DEBUG"
    assert [name for name in plain.split() if rule.matches.search(name)] == []
