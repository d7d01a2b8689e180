ALTER TABLE "task_run" ADD COLUMN "awaited_visits" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "task_run" ALTER COLUMN "awaited_visits" DROP DEFAULT;
ALTER TABLE "task_run" ADD COLUMN "awaited_until" BIGINT;
