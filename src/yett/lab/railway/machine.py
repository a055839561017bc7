"""What really runs and lies on disk: a folder for each volume, a PostgreSQL over some of them, backups inside them.

    volumes/<volume id>/pgdata/             a database volume's data folder
    volumes/<volume id>/files/              any other volume's files
    volumes/<volume id>/backups/<backup id> a dump or an archive: on the same volume as the data (R10)

Calls block for as long as the work takes: a drill has one platform to itself.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from yett.lab.postgres import Cluster, Login
from yett.lab.railway.world import Unusable


class Machine:
    """The volumes and database servers of the platform."""

    def __init__(self, volumes: Path, binaries: Path) -> None:
        """Keep volumes in an existing folder."""
        self._volumes = volumes
        self._binaries = binaries
        self._clusters: dict[str, Cluster] = {}

    def folder(self, volume_id: str) -> Path:
        """Return where a volume lies."""
        return self._volumes / volume_id

    def create_files(self, volume_id: str) -> Path:
        """Make a volume for files; return the folder that stands for its mount point."""
        files = self.folder(volume_id) / "files"
        files.mkdir(parents=True)
        (self.folder(volume_id) / "backups").mkdir()
        return files

    def create_database(self, volume_id: str, login: Login) -> Cluster:
        """Make a volume with a fresh, empty, running PostgreSQL on it."""
        (self.folder(volume_id) / "backups").mkdir(parents=True)
        cluster = Cluster(self._binaries, self.folder(volume_id) / "pgdata", login)
        cluster.create()
        cluster.start()
        self._clusters[volume_id] = cluster
        return cluster

    def cluster(self, volume_id: str) -> Cluster | None:
        """Return the database server of a volume."""
        return self._clusters.get(volume_id)

    def destroy(self, volume_id: str) -> None:
        """Lose a volume: its server is cut off, data and backups are removed. Nothing brings them back."""
        if cluster := self._clusters.pop(volume_id, None):
            cluster.stop_hard()
        shutil.rmtree(self.folder(volume_id))

    def back_up(self, volume_id: str, backup_id: str) -> int:
        """Write a backup onto the volume; return its size in bytes."""
        target = self.folder(volume_id) / "backups" / backup_id
        if cluster := self._clusters.get(volume_id):
            cluster.dump(target)
        else:
            with tarfile.open(target, "w:gz") as archive:
                archive.add(self.folder(volume_id) / "files", arcname="files")
        return target.stat().st_size

    def restore(self, volume_id: str, backup_id: str) -> None:
        """Replace a volume's contents by a backup's."""
        source = self.folder(volume_id) / "backups" / backup_id
        if not source.exists():
            raise Unusable("Backup not found")
        if cluster := self._clusters.get(volume_id):
            cluster.restore(source)
            return
        shutil.rmtree(self.folder(volume_id) / "files")
        with tarfile.open(source) as archive:
            archive.extractall(self.folder(volume_id), filter="data")

    def remove_backup(self, volume_id: str, backup_id: str) -> None:
        """Remove one backup from its volume."""
        (self.folder(volume_id) / "backups" / backup_id).unlink()

    def stop(self) -> None:
        """Stop every server in order, the data staying where it lies."""
        for cluster in self._clusters.values():
            cluster.stop()
