ALTER TABLE "task_run" ADD COLUMN "sync_requests" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "task_run" ADD COLUMN "sync_requests_answered" INTEGER NOT NULL DEFAULT 0;
