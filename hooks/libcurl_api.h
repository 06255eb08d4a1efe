/*
 * What hooks need of libcurl, declared here so that nobody needs the library to build this: as <curl/curl.h> of 7 and
 * later has it (tests/abi compares the two).
 */
#ifndef RM_HOOKS_LIBCURL_API_H
#define RM_HOOKS_LIBCURL_API_H

#ifndef CURLINC_CURL_H
typedef void CURL;
typedef unsigned int CURLcode; /* an enumeration without negative values */
#endif

CURLcode curl_easy_perform(CURL *handle);

#endif
