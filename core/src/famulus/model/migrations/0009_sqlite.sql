ALTER TABLE "task_run" ADD COLUMN "served_since" INTEGER;
