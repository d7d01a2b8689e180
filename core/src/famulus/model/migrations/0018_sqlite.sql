ALTER TABLE "task_run" ADD COLUMN "sync_cursor" TEXT;
