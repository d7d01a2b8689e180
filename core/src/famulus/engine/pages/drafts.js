// Drafts in IndexedDB are on the disk within milliseconds. What is in localStorage alone is lost when
// the browser dies within seconds. Returns what reads, keeps and removes the draft with a key; where
// there is no IndexedDB, as in some private windows, there is none to read.
function draftsOnDisk(key) {
  const storeName = "answers";
  // As much as localStorage has room for.
  const mostCharacters = 5000000;
  const opened = new Promise((resolve) => {
    try {
      const request = indexedDB.open("famulus", 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(storeName).createIndex("at", "at");
      };
      request.onsuccess = () => {
        // Who clears the data of the site does not wait for this page.
        request.result.onversionchange = () => request.result.close();
        resolve(request.result);
      };
      request.onerror = () => resolve(null);
    } catch (error) {
      resolve(null);
    }
  });

  // Resolves to the result of the request that "ask" makes; to nothing where it fails.
  async function run(mode, ask) {
    const database = await opened;
    try {
      // Strict: power failures, too.
      const transaction = database.transaction(storeName, mode, { durability: "strict" });
      const request = ask(transaction.objectStore(storeName));
      return await new Promise((resolve, reject) => {
        transaction.oncomplete = () => resolve(request.result);
        transaction.onabort = reject;
      });
    } catch (error) {
      return undefined;
    }
  }

  return {
    read: () => run("readonly", (store) => store.get(key)),
    keep(draft, size) {
      run("readwrite", (store) => (size > mostCharacters ? store.delete(key) : store.put(draft, key)));
    },
    // A page that is left before it is done would keep its draft. A disk that hangs is not waited for.
    remove: () => Promise.race([
      run("readwrite", (store) => store.delete(key)),
      new Promise((resolve) => setTimeout(resolve, 2000)),
    ]),
    removeBefore: (time) => run("readwrite", (store) => {
      const request = store.index("at").openKeyCursor(IDBKeyRange.upperBound(time));
      request.onsuccess = () => {
        if (!request.result) return;
        store.delete(request.result.primaryKey);
        request.result.continue();
      };
      return request;
    }),
  };
}
