/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_main.c - a fuzz target without a fuzzer: every file of the folders given as arguments.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define INPUT_BYTES_MAX (8u << 20)

/* False for a file that cannot be read. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0 || status.st_size < 0 ||
        status.st_size > INPUT_BYTES_MAX) {
        fprintf(stderr, "cannot read %s\n", path);
        if (file != NULL)
            fclose(file);
        return 0;
    }
    /* Exactly as long as the input, so that a sanitizer sees a read past it. */
    size_t len = (size_t)status.st_size;
    uint8_t *bytes = malloc(len > 0 ? len : 1);
    int whole = bytes != NULL && fread(bytes, 1, len, file) == len;
    fclose(file);
    if (whole)
        (void)LLVMFuzzerTestOneInput(bytes, len);
    free(bytes);
    return whole;
}

/* How many files of the folder ran, or -1. */
static int replay_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    int count = 0;
    if (entries == NULL) {
        fprintf(stderr, "cannot open %s\n", folder);
        return -1;
    }
    for (struct dirent *entry; count >= 0 && (entry = readdir(entries)) != NULL;) {
        char path[4096];
        int len = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        struct stat status;
        if (len < 0 || (size_t)len >= sizeof(path) || stat(path, &status) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        count = replay_file(path) ? count + 1 : -1;
    }
    closedir(entries);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int count = replay_folder(argv[i]);
        if (count < 0)
            return 1;
        total += count;
    }
    printf("%d inputs\n", total);
    return 0;
}
