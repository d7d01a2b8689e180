ALTER TABLE "task_run" ADD COLUMN "awaited_visits" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "task_run" ADD COLUMN "awaited_until" INTEGER;
