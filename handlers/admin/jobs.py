"""`/admin/jobs`: what was done to many users at once; `/admin/jobs/{id}`: one of them, while it goes on and after."""

from __future__ import annotations

from handlers.admin.page import AdminPage
from passport.errors.dashboard import PageNotFound
from passport.jobs.model import Job
from passport.views.jobs import JobListView, job_view


class JobsPage(AdminPage):
    """The list, newest first."""

    async def get(self) -> None:
        """200."""
        now, before = self.services.admin.now(), self.query.text("before") or None
        page = await self.services.admin.jobs.newest(before=before)
        address = self.reverse_url("admin-jobs")
        view = JobListView(
            jobs=tuple(job_view(job, now) for job in page.jobs),
            older=f"{address}?before={page.next_before}" if page.next_before else None,
            newest=address if before else None,
        )
        self.show("admin/jobs/list.html", view)


class OneJob(AdminPage):
    """A page of one job."""

    async def get_job(self, job_id: str) -> Job:
        """The job. Raises PageNotFound."""
        job = await self.services.admin.jobs.find(job_id)
        if job is None:
            raise PageNotFound
        return job


class JobPage(OneJob):
    """How far it is, and what came of it. The page asks again every second while the job goes on."""

    async def get(self, job_id: str) -> None:
        """200."""
        job = await self.get_job(job_id)
        self.show("admin/jobs/job.html", job_view(job, self.services.admin.now()))


class StopJobPage(OneJob):
    """Have it end after the batch that it is at."""

    async def submit(self, job_id: str) -> None:
        """303 to the job, which may have ended by itself."""
        job = await self.get_job(job_id)
        if job.can_stop():
            async with self.acting("job.stop_asked", target=("job", job_id)):
                await self.services.admin.jobs.stop(job_id, by=self.operator)
        self.see_other(self.reverse_url("admin-job", job_id))


class UndoJobPage(OneJob):
    """Put back everybody whom it changed, and nobody changed since."""

    async def submit(self, job_id: str) -> None:
        """303 to the job; it may be undone already, or too old by now."""
        job, jobs = await self.get_job(job_id), self.services.admin.jobs
        if jobs.can_undo(job):
            async with self.acting("job.undo_asked", target=("job", job_id)):
                await jobs.undo(job_id, by=self.operator)
        self.see_other(self.reverse_url("admin-job", job_id))
