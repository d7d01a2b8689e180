ALTER TABLE "task_run" ADD COLUMN "sync_requests" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "task_run" ADD COLUMN "sync_requests_answered" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "task_run" ALTER COLUMN "sync_requests" DROP DEFAULT;
ALTER TABLE "task_run" ALTER COLUMN "sync_requests_answered" DROP DEFAULT;
